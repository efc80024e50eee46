"""The services that integration tests run against: real ones, started once per run and stopped whatever happens."""
