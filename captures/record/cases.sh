# The peers of each case; read by record.sh.

case_sip_flash_cancel() {
    plan sip-flash-cancel 1001
    called uas 127.0.1.1 5060 carrier-a
    caller uac carrier-a 127.0.10.1:5060 127.0.1.1:5060 5
}

case_sip_flash_reject() {
    plan sip-flash-reject 1002
    called uas 127.0.1.1 5060 carrier-a
    caller uac carrier-a 127.0.10.1:5060 127.0.1.1:5060 5
}

case_sip_wangiri() {
    plan sip-wangiri 1003
    called uas 127.0.1.1 5060 carrier-a national
    caller uac carrier-a 127.0.10.1:5060 127.0.1.1:5060 4
    caller uac national 127.0.30.1:5060 127.0.1.1:5060 2
    await_all
    called uas 127.0.10.1 5060 subscribers
    caller uac subscribers 127.0.1.1:5060 127.0.10.1:5060 1
}

case_sip_spoofed_cli() {
    plan sip-spoofed-cli 1004
    called uas 127.0.1.1 5060 carrier-a national
    caller uac carrier-a 127.0.10.1:5060 127.0.1.1:5060 4
    caller uac national 127.0.30.1:5060 127.0.1.1:5060 2
}

case_sip_white_route() {
    plan sip-white-route 1005
    called uas 127.0.1.1 5060 white carrier-a
    caller uac white 127.0.20.1:5060 127.0.1.1:5060 2
    caller uac carrier-a 127.0.10.1:5060 127.0.1.1:5060 2
}
