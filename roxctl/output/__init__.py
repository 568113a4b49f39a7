"""Forms of a result: table, CSV, JSON, JUnit and SARIF. Pure functions from values to text."""
