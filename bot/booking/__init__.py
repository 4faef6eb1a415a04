"""Booking by talking: what is asked, what is understood, and what the desk is told."""
