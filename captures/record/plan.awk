# What every plan shares: random numbers that are the same with every awk, and the files that sipp and truth need.
#
# A plan calls call() for each call and write_plan() at the end. For each sender it writes `SENDER.csv`, one call a line
# in the order of placing; `truth.csv` says what each call is. The called side finds a call's line by its Call-ID.
# Fields: 0 Call-ID, 1 From, 2 called user, 3 P-Asserted-Identity line, 4 Privacy line, 5 diverting number, 6 mode,
# 7 ms from INVITE to 180 (0: no 180), 8 ms of ringing (early: from 100 to CANCEL), 9 ms of talk, 10 final status of a
# refusal (404, 480, 486 or 603), 11 its Q.850 cause, 12 ms before 100 Trying, 13 not empty if the caller is challenged.
# Modes: cancel (caller cuts while it rings), early (cuts before it rings), reject (called side refuses), answer (caller
# hangs up), hangup (called side hangs up), reinvite (answer, with a re-INVITE in the middle of the talk).

# Park and Miller's generator: products stay below 2^53, so that every awk gives the same numbers.
function random() {
    state = (state * 16807) % 2147483647
    return state / 2147483647
}

# A whole number, low to high.
function between(low, high) {
    return low + int(random() * (high - low + 1))
}

# A number that begins with `prefix`, `width` more digits, never the same twice.
function fresh(prefix, width,    number) {
    do {
        number = prefix sprintf("%0" width "d", between(0, 10 ^ width - 1))
    } while (number in taken)
    taken[number] = 1
    return number
}

# From header of a caller on a sender's network.
function from(number, sender) {
    return "<sip:" number "@" address[sender] ">"
}

# One call. Options that hold for this call only: alert, status, cause, asserted, privacy, diverting, trying,
# challenged.
function call(sender, kind, label, calling, called, mode, ring, talk,    n) {
    n = ++count[sender]
    kinds[sender, n] = kind "," label
    lines[sender, n] = fields(calling, called, mode, ring, talk)
}

# A line of a plan without the Call-ID; uses up the options.
function fields(calling, called, mode, ring, talk,    line) {
    if (alert == "") alert = between(150, 600)
    line = calling ";" called ";" asserted ";" privacy ";" diverting ";" mode ";" alert ";" ring ";" talk ";" status ";" \
        cause ";" trying + 0 ";" challenged
    alert = status = cause = asserted = privacy = diverting = trying = challenged = ""
    return line
}

# Call-ID of a sender's nth call: what record.sh has sipp make of them.
function call_id(sender, n) {
    return sender "-" n "@" sender ".example"
}

# Mixes the calls of a sender.
function shuffle(sender,    n, other, kept) {
    for (n = count[sender]; n > 1; n--) {
        other = between(1, n)
        kept = lines[sender, n]; lines[sender, n] = lines[sender, other]; lines[sender, other] = kept
        kept = kinds[sender, n]; kinds[sender, n] = kinds[sender, other]; kinds[sender, other] = kept
    }
}

# Writes the plan of `senders`, names with blanks between.
function write_plan(senders,    list, total, s, n, sender) {
    print "call_key,kind,label" > "truth.csv"
    total = split(senders, list, " ")
    for (s = 1; s <= total; s++) {
        sender = list[s]
        print "SEQUENTIAL" > (sender ".csv")
        for (n = 1; n <= count[sender]; n++) {
            print call_id(sender, n) ";" lines[sender, n] > (sender ".csv")
            print call_id(sender, n) "," kinds[sender, n] > "truth.csv"
        }
    }
}

# People's calls: most are answered, some ring long and are given up, a few are refused. `callers` are the beginnings of
# calling numbers, all but two digits; `called_prefix` of called ones, all but three.
function people(sender, number_of, callers, called_prefix,    list, total, n, calling, called, dice) {
    total = split(callers, list, " ")
    for (n = 1; n <= number_of; n++) {
        calling = from(fresh(list[(n - 1) % total + 1], 2), sender)
        called = fresh(called_prefix, 3)
        dice = random()
        if (dice < 0.75) {
            call(sender, "person", "normal", calling, called, random() < 0.5 ? "answer" : "hangup", between(1500, 6000), \
                between(1000, 5000))
        } else if (dice < 0.87) {
            call(sender, "person_gave_up", "normal", calling, called, "cancel", between(6000, 11000), 0)
        } else if (dice < 0.94) {
            status = 486; cause = 17; alert = 0
            call(sender, "person_busy", "normal", calling, called, "reject", 0, 0)
        } else {
            status = 603; cause = 21
            call(sender, "person_declined", "normal", calling, called, "reject", between(2000, 6000), 0)
        }
    }
}

# People who notice at once that they called the wrong number, before or while it rings.
function misdials(sender, number_of, callers, called_prefix,    list, total, n) {
    total = split(callers, list, " ")
    for (n = 1; n <= number_of; n++)
        call(sender, "person_misdialled", "normal", from(fresh(list[(n - 1) % total + 1], 2), sender), \
            fresh(called_prefix, 3), n % 3 ? "cancel" : "early", between(300, 2500), 0)
}

BEGIN {
    state = seed
    for (n = 1; n <= 50; n++) random()
    address["carrier-a"] = "127.0.10.1"
    address["carrier-b"] = "127.0.10.2"
    address["white"] = "127.0.20.1"
    address["national"] = "127.0.30.1"
    address["pbx"] = "127.0.40.1"
    address["subscribers"] = "127.0.1.1"
    # Beginnings of numbers that regulators keep for film and fiction, all but two digits: Bundesnetzagentur (Berlin, mobile),
    # ARCEP (landline, mobile), Ofcom (London), NANPA.
    people_abroad = "+4930231251 +4930231254 +4917139200 +331990012 +336399831 +4420794601 +121255501"
}
