//! A certificate, those between it and who is trusted, and whether the way from one to the other holds. RFC 5280 §6;
//! ATIS-1000080 (ECDSA throughout). Paths are found and checked by `webpki`, which is told the time.

use std::sync::OnceLock;
use std::time::Duration;

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

use crate::base::time::At;
use crate::call::StirReason;
use crate::wire::certificate::{Authority, Certificate, Validity};

/// Most certificates in one file.
const CERTIFICATES_MAX: usize = 8;

/// Kinds of signatures on certificates that are taken.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::ring::ECDSA_P256_SHA256,
    webpki::ring::ECDSA_P256_SHA384,
    webpki::ring::ECDSA_P384_SHA256,
    webpki::ring::ECDSA_P384_SHA384,
];

/// Who may vouch for certificates.
#[derive(Debug, Default)]
pub struct Anchors {
    anchors: Vec<(TrustAnchor<'static>, Validity)>,
}

impl Anchors {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.anchors.len()
    }

    /// There is nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Adds all certificates of a file in PEM; how many.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn add(&mut self, pem: &[u8]) -> Result<usize, String> {
        let mut count = 0;
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|error| format!("not PEM: {error}"))?;
            let anchor =
                webpki::anchor_from_trusted_cert(&der).map_err(|error| format!("no certificate: {error}"))?;
            let own = Certificate::parse(&der).map_err(|_| "no certificate that can be read".to_owned())?;
            self.anchors.push((anchor.to_owned(), own.validity));
            count += 1;
        }
        if count == 0 { Err("no certificate in PEM".to_owned()) } else { Ok(count) }
    }
}

/// A certificate and those that came with it.
#[derive(Debug)]
pub struct Chain {
    leaf: CertificateDer<'static>,
    between: Vec<CertificateDer<'static>>,
    validity: Validity,
    key: Box<[u8]>,
    authority: Option<Authority>,
    /// When the way to somebody who is trusted holds, once one was found.
    path: OnceLock<Validity>,
}

impl Chain {
    /// Reads a file in PEM: the certificate itself first, then those between.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        let mut all = Vec::new();
        for der in CertificateDer::pem_slice_iter(pem) {
            all.push(der.map_err(|error| format!("not PEM: {error}"))?);
            if all.len() > CERTIFICATES_MAX {
                return Err(format!("more than {CERTIFICATES_MAX} certificates"));
            }
        }
        if all.is_empty() {
            return Err("no certificate in PEM".to_owned());
        }
        let leaf = all.remove(0);
        let read = Certificate::parse(&leaf).map_err(|_| "no certificate that can be read".to_owned())?;
        let key = read.key.ok_or("its key is not on P-256")?;
        Ok(Self {
            leaf,
            between: all,
            validity: read.validity,
            key,
            authority: read.authority,
            path: OnceLock::new(),
        })
    }

    /// For whose numbers it may speak; `None` when it does not say.
    #[must_use]
    pub const fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Whether it is this host's: of its alternative names one is it, a SIP URI or, where there is none, a name of the DNS
    /// (RFC 5922 §7.1, §7.2: no wildcards).
    #[must_use]
    pub fn is_of_host(&self, host: &str) -> bool {
        let Ok(leaf) = EndEntityCert::try_from(&self.leaf) else { return false };
        let mut uris = leaf.valid_uri_names().filter_map(host_of_sip_uri).peekable();
        if uris.peek().is_some() {
            uris.any(|own| own.eq_ignore_ascii_case(host))
        } else {
            leaf.valid_dns_names().any(|own| own.eq_ignore_ascii_case(host))
        }
    }

    /// Whether `signature` is its key's of `text`.
    #[must_use]
    pub fn has_signed(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        has_signed(&self.key, text, signature)
    }

    /// Whether somebody who is trusted vouches for it, and all certificates in between hold at this time.
    ///
    /// # Errors
    /// [`StirReason::Expired`]; [`StirReason::Untrusted`].
    pub fn holds(&self, at: At, anchors: &Anchors) -> Result<(), StirReason> {
        if !self.validity.covers(at) {
            return Err(StirReason::Expired);
        }
        if self.path.get().is_some_and(|path| path.covers(at)) {
            return Ok(());
        }
        let found = self.find(at, anchors)?;
        // Another path that holds at another time is found again each time; nobody has two.
        let _ = self.path.set(found);
        Ok(())
    }

    /// Finds a path; when it holds.
    fn find(&self, at: At, anchors: &Anchors) -> Result<Validity, StirReason> {
        let (trusted, times): (Vec<_>, Vec<_>) =
            anchors.anchors.iter().filter(|(_, validity)| validity.covers(at)).cloned().unzip();
        let leaf = EndEntityCert::try_from(&self.leaf).map_err(|_| StirReason::BadCertificate)?;
        match self.path(&leaf, at, &trusted) {
            Ok(path) => {
                let index = trusted.iter().position(|anchor| anchor == path.anchor());
                let above = index.and_then(|index| times.get(index)).copied();
                Ok(between(&path).chain(above).fold(self.validity, Validity::and))
            }
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => Err(StirReason::Expired),
            Err(_) => {
                let all: Vec<_> = anchors.anchors.iter().map(|(anchor, _)| anchor.clone()).collect();
                let would_be = all.len() > trusted.len() && self.path(&leaf, at, &all).is_ok();
                Err(if would_be { StirReason::Expired } else { StirReason::Untrusted })
            }
        }
    }

    fn path<'p>(
        &'p self,
        leaf: &'p EndEntityCert<'p>,
        at: At,
        trusted: &'p [TrustAnchor<'static>],
    ) -> Result<VerifiedPath<'p>, Error> {
        let time = UnixTime::since_unix_epoch(Duration::from_nanos(at.nanos()));
        leaf.verify_for_usage(ALGORITHMS, trusted, &self.between, time, AnyUse, None, None)
    }
}

/// Host of a SIP URI that names a domain, and no user in it.
fn host_of_sip_uri(uri: &str) -> Option<&str> {
    let (scheme, host) = uri.split_once(':')?;
    (scheme.eq_ignore_ascii_case("sip") && !host.contains('@')).then_some(host)
}

/// When each certificate between both ends holds.
fn between(path: &VerifiedPath<'_>) -> impl Iterator<Item = Validity> {
    path.intermediate_certificates()
        .filter_map(|certificate| Some(Certificate::parse(&certificate.der()).ok()?.validity))
}

/// Certificates for signing calls are of no use that certificates list (ATIS-1000080 §6.4): whatever one lists is taken.
struct AnyUse;

impl ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Whether `signature`, two numbers of 32 octets, is that of `text` by this key on P-256 (RFC 7518 §3.4).
#[must_use]
pub fn has_signed(key: &[u8], text: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(text, signature).is_ok()
}
