r"""GJSON paths: where in a JSON answer the number stands, as users write it in `valueLocation`.

Works on decoded JSON (dict, list, str, int, float, bool, None); reading and decoding the answer is its
caller's business, and so is what the value found may be.

==================================  ==========================================================
``jobs.0.size``  ``fav\.movie``       keys and indexes; a backslash takes the next character as it is
``job*.siz?``                       wildcards in keys
``jobs.#``  ``jobs.#.size``          how many; of each
``jobs.#(state=="idle").size``      the first that fits; ``#(...)#`` for all that fit
``==  !=  <  <=  >  >=  %  !%``       compare; ``%`` matches a wildcard pattern
``==~true  ~false  ~null  ~*``       compare by truth, falsehood, absence, presence
``a|b``                             apply b to the result of a
``[a.x,b]``  ``{a.x,"n":b}``        a new array or object of several paths
``!"text"``  ``!5``                 a literal
``@reverse @keys @values @flatten   modifiers; an unknown one is a key
@join @group @dig @tostr @fromstr
@this @valid @ugly @pretty``
==================================  ==========================================================

Follows tidwall/gjson 1.18. Two deviations, for safety: a malformed path (an unclosed query or bracket) is an
error instead of a guess, and a modifier applied to what is not there gives nothing instead of an empty list,
because a vanished field must not be counted as zero.
"""

from scaler.triggers.gjson.absence import MISSING, Missing
from scaler.triggers.gjson.path import compile_path

__all__ = ["MISSING", "Missing", "compile_path", "get"]


def get(document: object, path: str) -> object:
    """Give what stands at the path of a decoded JSON document, or MISSING.

    Raises ValueError naming the path and what is wrong with it.
    """
    return compile_path(path)(document)
