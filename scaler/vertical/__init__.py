"""How big each pod: pure judgement from usage to requests, and from requests to what is done with running pods."""
