"""WeChat Official Accounts: the platform calls back for each message, and is called to send."""
