"""How good the answers are: `bangban evaluate` asks the product questions whose answers are known."""
