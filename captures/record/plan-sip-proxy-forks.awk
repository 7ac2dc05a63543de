# Calls through a proxy, recorded on both sides of it: forks, re-INVITEs, lost messages, challenges.

# A call to a subscriber with two phones: what the caller does, then each phone, with the ms it rings and a status.
function fork(kind, mode, ring, mode1, ring1, status1, mode2, ring2, status2,    calling, called) {
    calling = from(fresh("+493023125", 3), "carrier-a")
    called = fresh("+48699006", 3)
    phone("phone-1", calling, called, mode1, ring1, status1)
    phone("phone-2", calling, called, mode2, ring2, status2)
    call("carrier-a", kind, "normal", calling, called, mode, ring, 1500)
}

# What a phone does at the carrier's next call.
function phone(name, calling, called, mode, ring, final) {
    status = final
    cause = final == 603 ? 21 : 17
    phones[name] = phones[name] call_id("carrier-a", count["carrier-a"] + 1) ";" \
        fields(calling, called, mode, ring, 1500) "\n"
}

function single(sender, kind, prefix, mode,    calling) {
    calling = sender == "pbx" ? fresh("+4822000004", 1) : fresh("+493023125", 3)
    if (sender == "pbx") challenged = "yes"
    call(sender, kind, "normal", from(calling, sender), fresh(prefix, 3), mode, between(1000, 2000), between(800, 1500))
    if (sender == "carrier-a")
        phones["phone-1"] = phones["phone-1"] call_id(sender, count[sender]) ";" lines[sender, count[sender]] "\n"
}

BEGIN {
    for (n = 1; n <= 3; n++) {
        fork("fork_first_answers", "answer", 0, "answer", 1500 + 200 * n, 0, "cancel", 0, 0)
        fork("fork_second_answers", "answer", 0, "cancel", 0, 0, "answer", 1300 + 200 * n, 0)
        fork("fork_both_reject", "reject", 0, "reject", 1200 + 100 * n, 486, "reject", 2000 + 100 * n, 603)
        fork("fork_cancelled", "cancel", 6000 + 500 * n, "cancel", 0, 0, "cancel", 0, 0)
        single("carrier-a", "reinvite", "+48699008", "reinvite")
        single("carrier-a", "invite_lost", "+48699007", "answer")
        trying = 700
        single("carrier-a", "called_side_slow", "+48699008", "hangup")
        single("carrier-a", "plain", "+48699008", n % 2 ? "answer" : "hangup")
        single("pbx", "challenged_407", "+48699008", n % 2 ? "answer" : "cancel")
        single("pbx", "challenged_401", "+48699009", n % 2 ? "hangup" : "answer")
    }
    write_plan("carrier-a pbx")
    for (name in phones) printf "SEQUENTIAL\n%s", phones[name] > (name ".csv")
}
