"""How a link to the broker is secured: one way for the service and for the client library."""

from contracts.broker.security import OPEN, BrokerSecurity, SaslMechanism, SecurityProtocol

__all__ = ["OPEN", "BrokerSecurity", "SaslMechanism", "SecurityProtocol"]
