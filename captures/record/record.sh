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

# called ADDRESS PORT SENDER...: a called side that ends after the calls of these senders.
called() {
    address=$1 port=$2 side=called-$1-$2
    shift 2
    mkdir -p "$side"
    { echo SEQUENTIAL; for sender; do tail -n +2 "$sender.csv"; done; } >"$side/called.csv"
    start_sipp "$side" -sf "$here/called.xml" -inf called.csv -infindex called.csv 0 -i "$(bare "$address")" -p "$port" \
        -m "$(calls_of "$@")"
    await_port "$address" "$port"
}

# caller SENDER ADDRESS:PORT TO:PORT RATE [OPTION...]: places the sender's calls, RATE a second.
caller() {
    sender=$1 own=$2 target=$3 rate=$4
    shift 4
    mkdir -p "$sender"
    start_sipp "$sender" "$target" -sf "$scenario" -inf "../$sender.csv" -cid_str "$sender-%u@$sender.example" \
        -i "$(bare "${own%:*}")" -p "${own##*:}" -r "$rate" -m "$(calls_of "$sender")" -l 200 "$@"
}

# An IPv6 address without its brackets.
bare() {
    echo "$1" | tr -d '[]'
}

# start_sipp NAME OPTION...: in the directory NAME; its process is kept in $last.
start_sipp() {
    name=$1
    shift
    (
        cd "$name"
        exec timeout "$RUN_S_MAX" sipp -t "$transport" -bind_local -nostdin -timer_resol 1 -trace_err -error_file errors \
            "$@"
    ) >"$name/log" 2>&1 &
    last=$!
    sipps="$sipps $last:$name"
}

# Waits until what was started last listens at its address and port.
await_port() {
    until ss -Hlnut "sport = :$2" | grep -qF "$1:$2"; do
        kill -0 "$last" 2>/dev/null || fail "nothing listens on $1:$2" "$(tail -n 5 ./*/log)"
        sleep 0.05
    done
}

# start_proxy CONFIG ADDRESS PORT: Kamailio, until the case is over.
start_proxy() {
    mkdir -p proxy
    timeout "$RUN_S_MAX" kamailio -DD -E -f "$here/$1" -w "$work/proxy" -Y "$work/proxy" -m 32 -M 4 >proxy/log 2>&1 &
    proxy=$! last=$!
    await_port "$2" "$3"
}

# Waits for every sipp started so far, then ends the proxy.
await_all() {
    for one in $sipps; do
        wait "${one%%:*}" || fail "${one#*:} failed" "$(tail -n 20 "${one#*:}/errors" "${one#*:}/log" 2>&1 | cut -c1-300)"
    done
    sipps=
    [ -z "$proxy" ] || kill "$proxy"
    proxy=
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

# Stops what is still running, and nothing else; leaves no files behind.
stop_all() {
    for one in $sipps; do kill "${one%%:*}" 2>/dev/null || true; done
    [ -z "$tcpdump" ] || kill "$tcpdump" 2>/dev/null || true
    [ -z "$proxy" ] || kill "$proxy" 2>/dev/null || true
    cd /
    [ -z "$work" ] || rm -rf "$work"
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
    # What a case may change.
    transport=u1 scenario=$here/caller.xml
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
    work=
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

sipps='' tcpdump='' proxy='' work=''
trap stop_all EXIT
for name; do record "$name"; done
