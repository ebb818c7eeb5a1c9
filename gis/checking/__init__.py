"""Rules of geographic formats that loading forgives: checkers for `scenes.checking`, one module a format."""
