"""The ward page: every bed of the ward in a browser, served by the daemon or by ``ecgstream web``."""
