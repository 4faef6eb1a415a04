"""Who works with the console: accounts and what each may do, signing in, and the record of what was done."""
