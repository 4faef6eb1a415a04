"""What citizens asked and how it was answered, sealed: from it staff learn what is missing."""
