"""Rasa as Bangban runs it. Nothing here imports the application, and the application imports nothing from here."""
