"""The sample company's plans written as the contract's input tables: one module per table, what they share beside them."""
