"""Names of machines: asked for in a transaction, written to name servers by operations, compared by checks."""
