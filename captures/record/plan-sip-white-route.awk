# A contracted sender's flash calls on its own route, in order; people's calls on a carrier's route meanwhile.
function flash(kind, called, mode, ring, talk) {
    call("white", kind, "flash", from(fresh("+447700900", 3), "white"), called, mode, ring, talk)
}

BEGIN {
    for (n = 1; n <= 36; n++) {
        # Every third destination has a price of its own.
        called = fresh(n % 3 ? "+48699000" : "+48699004", 3)
        if (n == 4) retried = called
        if (n == 20) flash("white_retry", retried, "cancel", between(500, 2000), 0)
        if (n % 12 == 9) flash("white_not_alerted", called, "early", between(800, 2000), 0)
        else if (n == 14) flash("white_answered", called, "answer", 1800, 1500)
        else if (n % 5 == 0) {
            status = 603; cause = 21
            flash("white_reject", called, "reject", between(1000, 2500), 0)
        } else flash("white_cancel", called, "cancel", between(500, 2000), 0)
    }
    people("carrier-a", 14, people_abroad, "+48699001")
    misdials("carrier-a", 6, people_abroad, "+48699004")
    shuffle("carrier-a")
    write_plan("white carrier-a")
}
