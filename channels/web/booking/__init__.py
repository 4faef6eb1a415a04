"""Pages on which an appointment is booked, shown, changed and cancelled; complete without scripts."""
