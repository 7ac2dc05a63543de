# The peers of each case; read by record.sh.

case_sip_flash_cancel() {
    plan sip-flash-cancel 1001
    called 127.0.1.1 5060 carrier-a
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 5
}

case_sip_flash_reject() {
    plan sip-flash-reject 1002
    called 127.0.1.1 5060 carrier-a
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 5
}

case_sip_wangiri() {
    plan sip-wangiri 1003
    called 127.0.1.1 5060 carrier-a national
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 4
    caller national 127.0.30.1:5060 127.0.1.1:5060 2
    await_all
    called 127.0.10.1 5060 subscribers
    caller subscribers 127.0.1.1:5060 127.0.10.1:5060 1
}

case_sip_spoofed_cli() {
    plan sip-spoofed-cli 1004
    called 127.0.1.1 5060 carrier-a national
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 4
    caller national 127.0.30.1:5060 127.0.1.1:5060 2
}

case_sip_white_route() {
    plan sip-white-route 1005
    called 127.0.1.1 5060 white carrier-a
    caller white 127.0.20.1:5060 127.0.1.1:5060 2
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 2
}

case_sip_proxy_forks() {
    plan sip-proxy-forks 1006
    start_proxy proxy.cfg 127.0.1.1 5060
    called 127.0.1.2 5060 phone-1 pbx
    called 127.0.1.3 5060 phone-2
    # Each fork rings: the second 180 comes while the caller already waits.
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 2 -pause_msg_ign
    caller pbx 127.0.40.1:5060 127.0.1.1:5060 1
}

case_sip_tcp() {
    plan sip-tcp 1007
    transport=t1
    # A long list of ICE candidates (RFC 8839 §5.1), so that an INVITE takes three segments.
    scenario=$work/caller.xml
    awk '{ print }
        /a=ptime/ {
            for (n = 1; n <= 48; n++)
                printf "      a=candidate:%d 1 UDP %d [media_ip] %d typ host\n", n, 2130706431 - n, 20000 + 2 * n
        }' "$here/caller.xml" >"$scenario"
    # A slow line and a small window: what is written meanwhile queues, and is cut anew at the segments' size.
    ip route replace local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 window 2000
    tc qdisc replace dev lo root tbf rate 500kbit burst 3000 limit 200000
    called 127.0.1.1 5060 carrier-a
    caller carrier-a 127.0.10.1:5060 127.0.1.1:5060 16
    await_all
    tc qdisc del dev lo root
    ip route replace local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
}

case_sip_ipv6() {
    plan sip-ipv6 1008
    called '[::1]' 5060 carrier-a
    caller carrier-a '[::1]:5062' '[::1]:5060' 4
}
