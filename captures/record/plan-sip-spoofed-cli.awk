# The rows of the calling-number matrix, and beside each what looks like it and is in order.

# One row: a call that is answered soon and lasts a moment.
function row(sender, kind, label, calling, called) {
    call(sender, kind, label, calling, called, "answer", between(700, 1500), between(500, 1500))
}

function subscriber() {
    return fresh("+48699005", 3)
}

function spoofed(kind, number) {
    row("carrier-a", kind, "spoofed", from(number, "carrier-a"), subscriber())
}

function in_order(kind, number) {
    row("carrier-a", kind, "normal", from(number, "carrier-a"), subscriber())
}

function asserted_line(number) {
    return "P-Asserted-Identity: <sip:" number "@127.0.10.1>"
}

BEGIN {
    spoofed("national_fixed", "+48220000011")
    spoofed("national_fixed", "0048220000012")
    spoofed("national_fixed", "48220000013")
    spoofed("national_fixed", "220000014")
    asserted = asserted_line("+48220000015")
    spoofed("national_fixed_asserted", "+493023125115")
    spoofed("national_mobile_at_home", "+48699000101")
    spoofed("national_mobile_at_home", "+48699000102")
    asserted = asserted_line("+48699000103")
    spoofed("national_mobile_at_home", "+48699000103")
    spoofed("national_unallocated", "+48100000001")
    row("carrier-a", "calling_is_called", "spoofed", from("+48699000555", "carrier-a"), "+48699000555")
    row("national", "calling_is_called", "spoofed", from("+48699000556", "national"), "+48699000556")
    spoofed("too_short", "+4812")
    spoofed("too_short", "+123")
    spoofed("too_long", "+4822000001234567")
    spoofed("too_long", "+44770090012345678")
    spoofed("letters", "+48BANK00012")
    in_order("name", "YourBank")
    spoofed("no_country_code", "+0220000016")
    spoofed("unassigned_country_code", "+2100000000017")
    spoofed("unassigned_country_code", "+9990000000018")

    in_order("national_mobile_roaming", "+48699000201")
    in_order("national_mobile_roaming", "+48699000202")
    in_order("national_mobile_state_unknown", "+48699000301")
    in_order("national_mobile_state_unknown", "+48699000302")
    diverting = "+493023125321"
    in_order("forwarded_abroad", "+48220000021")
    diverting = "+33639983143"
    in_order("forwarded_abroad", "+48699000104")
    asserted = asserted_line("+33639983145"); privacy = "Privacy: id"
    row("carrier-a", "withheld", "normal", "\"Anonymous\" <sip:anonymous@anonymous.invalid>", subscriber())
    privacy = "Privacy: id"
    row("carrier-a", "withheld", "normal", "\"Anonymous\" <sip:anonymous@anonymous.invalid>", subscriber())
    row("carrier-a", "unavailable", "normal", "<sip:unavailable@unknown.invalid>", subscriber())
    row("carrier-a", "emergency", "normal", from("+48220000019", "carrier-a"), "112")
    people("carrier-a", 8, people_abroad, "+48699006")
    shuffle("carrier-a")

    row("national", "national_route", "normal", from("+48220000011", "national"), subscriber())
    row("national", "national_route", "normal", from("220000014", "national"), subscriber())
    row("national", "national_route", "normal", from("+48699000101", "national"), subscriber())
    shuffle("national")
    write_plan("carrier-a national")
}
