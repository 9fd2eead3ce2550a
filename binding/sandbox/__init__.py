"""The sandbox's peers: a bank and a phone company, as a process of their own with a database of their own."""
