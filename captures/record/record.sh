#!/bin/sh
# Records test captures: sipp calls sipp, directly or through Kamailio, in a network namespace of its own in which
# there is only the loopback interface. Needs sipp, tcpdump, tshark, zstd, unshare and, for one case, kamailio.
#
#   captures/record/record.sh CASE...|all
#
# Writes captures/CASE/input.pcap (packed when large) and captures/CASE/truth.csv. The order and shape of calls come
# from plan-CASE.awk with a fixed seed; times and tags differ from one recording to the next.
set -eu

CASES="sip-flash-cancel sip-flash-reject sip-wangiri sip-spoofed-cli sip-white-route sip-proxy-forks sip-tcp sip-ipv6"
RUN_S_MAX=100
PACK_BYTES_MIN=100000
PORTS=5060-5079

here=$(cd "$(dirname "$0")" && pwd)
. "$here/cases.sh"

usage() {
    echo "usage: record.sh CASE...|all" >&2
    echo "cases: $CASES" >&2
    exit 2
}

# ---- parts of a case -------------------------------------------------------------------------------------------------

# plan NAME SEED: writes the calls of NAME to the work directory.
plan() {
    awk -v seed="$2" -f "$here/plan.awk" -f "$here/plan-$1.awk"
}

# How many calls the named senders place.
calls_of() {
    for sender; do tail -n +2 "$sender.csv"; done | wc -l
}

# called SCENARIO ADDRESS PORT SENDER...: a called side that ends after the calls of these senders.
called() {
    scenario=$1 address=$2 port=$3
    shift 3
    start_sipp "called-$address-$port" -sf "$here/$scenario.xml" -inf called.csv -infindex called.csv 0 \
        -i "$address" -p "$port" -m "$(calls_of "$@")"
    await_port "$address" "$port"
}

# caller SCENARIO SENDER ADDRESS:PORT TO:PORT RATE [OPTION...]: places the sender's calls, RATE a second. Kept in $last.
caller() {
    scenario=$1 sender=$2 own=$3 target=$4 rate=$5
    shift 5
    start_sipp "$sender" "$target" -sf "$here/$scenario.xml" -inf "$sender.csv" -cid_str "$sender-%u@$sender.example" \
        -i "${own%:*}" -p "${own##*:}" -r "$rate" -m "$(calls_of "$sender")" -l 200 "$@"
}

# Transport of a case: `u1` or `t1`.
transport=u1

start_sipp() {
    name=$1
    shift
    timeout "$RUN_S_MAX" sipp -t "$transport" -bind_local -nostdin -timer_resol 1 -trace_err -error_file "$name.err" "$@" \
        >"$name.log" 2>&1 &
    last=$!
    sipps="$sipps $last:$name"
}

# Waits until the sipp started last listens at its address and port.
await_port() {
    until ss -Hlnut "sport = :$2" | grep -qF "$1:$2"; do
        kill -0 "$last" 2>/dev/null || { await_all; exit 1; }
        sleep 0.05
    done
}

# Waits for every sipp started so far.
await_all() {
    for one in $sipps; do
        wait "${one%%:*}" || { echo "${one#*:} failed:" >&2; tail -n 20 "${one#*:}".* | cut -c1-500 >&2; exit 1; }
    done
    sipps=
}

# ---- recording -------------------------------------------------------------------------------------------------------

start_capture() {
    : >tcpdump.log
    tcpdump -i lo -s 0 --immediate-mode -U -w - "udp portrange $PORTS or tcp portrange $PORTS" >input.pcap 2>tcpdump.log &
    tcpdump=$!
    tries=200
    until grep -q 'listening on' tcpdump.log; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { cat tcpdump.log >&2; exit 1; }
        sleep 0.05
    done
}

stop_capture() {
    # What the kernel has handed over but tcpdump has not yet written has no sign to wait for.
    sleep 0.5
    kill -INT "$tcpdump"
    wait "$tcpdump" || true
    tcpdump=
    grep -q '^0 packets dropped' tcpdump.log || { cat tcpdump.log >&2; exit 1; }
}

# Stops what is still running, and nothing else.
stop_all() {
    for one in $sipps; do kill "${one%%:*}" 2>/dev/null || true; done
    [ -z "$tcpdump" ] || kill "$tcpdump" 2>/dev/null || true
    [ -z "$proxy" ] || kill "$proxy" 2>/dev/null || true
}

# ---- checks ----------------------------------------------------------------------------------------------------------

sip_fields() {
    tshark -r input.pcap -d udp.port==$PORTS,sip -d tcp.port==$PORTS,sip "$@" 2>/dev/null
}

# The recording is well-formed, all of it is SIP on loopback addresses, and its calls are those of truth.csv.
check() {
    bad=$(sip_fields -Y '_ws.malformed or _ws.expert.severity == 0x00800000')
    [ -z "$bad" ] || fail "malformed frames or expert errors" "$bad"
    bad=$(sip_fields -Y 'not (ip.src == 127.0.0.0/8 and ip.dst == 127.0.0.0/8) and not (ipv6.src == ::1 and ipv6.dst == ::1)')
    [ -z "$bad" ] || fail "frames that are not on loopback" "$bad"
    bad=$(sip_fields -Y 'not sip and not tcp')
    [ -z "$bad" ] || fail "frames that are not SIP" "$bad"
    sip_fields -Y 'sip.Method == "INVITE"' -T fields -e sip.Call-ID | tr ',' '\n' | sort -u >seen
    tail -n +2 truth.csv | cut -d, -f1 | sort >meant
    cmp -s seen meant || fail "calls that differ from truth.csv" "$(diff seen meant)"
}

fail() {
    echo "$1:" >&2
    echo "$2" | head -n 20 >&2
    exit 1
}

# ---- the run ---------------------------------------------------------------------------------------------------------

record() {
    work=$(mktemp -d)
    cd "$work"
    start_capture
    "case_$(echo "$1" | tr - _)"
    await_all
    stop_capture
    check
    target=$here/../$1
    mkdir -p "$target"
    rm -f "$target/input.pcap" "$target/input.pcap.zst"
    cp truth.csv "$target/"
    if [ "$(wc -c <input.pcap)" -gt "$PACK_BYTES_MIN" ]; then
        zstd -q -19 input.pcap -o "$target/input.pcap.zst"
    else
        cp input.pcap "$target/"
    fi
    echo "$1: $(calls_of truth) calls, $(sip_fields -T fields -e frame.number | wc -l) frames, $(wc -c <input.pcap) octets"
    cd /
    rm -r "$work"
}

[ $# -gt 0 ] || usage
[ "$1" != all ] || set -- $CASES
for name; do
    case " $CASES " in *" $name "*) ;; *) usage ;; esac
done
if [ "${RECORD_INSIDE:-}" = "" ]; then
    RECORD_INSIDE=1
    export RECORD_INSIDE
    if [ "$(id -u)" -eq 0 ]; then exec unshare -n "$0" "$@"; else exec unshare -rn "$0" "$@"; fi
fi
# Ethernet's frame size, and no packets larger than that handed over for a network card to cut.
ip link set lo up mtu 1500
ip link set lo gso_max_segs 1

sipps='' tcpdump='' proxy=''
trap stop_all EXIT
for name; do record "$name"; done
