"""What puts rules and ledgers into other programs: web frameworks, what else speaks to clients, Spark."""
