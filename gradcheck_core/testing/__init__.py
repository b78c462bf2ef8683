"""For test suites: the pytest plugin, and what a backend's author tests a backend with."""
