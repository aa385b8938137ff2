"""Every knob of every program, declared once: name, type, default, unit and why.

From here come the flags, the environment variables (``SCALER_`` and the flag's name; upstream's own where the meaning
is equal), the help and the reference. `knobs` says how one is spelt, `options` reads them, `shared` holds the groups
that several programs have, and each program's own stand in the module of its name.
"""
