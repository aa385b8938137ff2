"""The formula language of scalingModifiers: expr-lang 1.17 as far as a formula of numbers can use it.

Reads a formula once, checks it against the variables that exist (each a number, nil when its trigger failed), and
evaluates it in microseconds. It knows nothing of triggers or metrics, and hands nothing to Python's own compiler.

There is: numbers, strings, booleans, nil; ``+ - * / % ** ^``; comparisons, also in chains; ``and or not && || !``;
``a ? b : c``, ``if a { b } else { c }``; ``a ?? b``; ``in``, ``not in``, ``1..3``; arrays, maps, indexes, parts;
``let x = a; x * 2``; pipes ``[a, b] | max()``; predicates ``count([a, b], {# > 1})``; ``$env["a-b"]`` for names
with a dash; the functions of `functions` and `predicates`, and the time of `times`. There is not: regular
expressions, functions of strings and bits, JSON, dates other than now.

Deliberately not upstream's: an evaluation looks at ten thousand elements at most, and a tree is 150 levels deep at
most, because one user's formula must not hold up the others.
"""

from scaler.horizontal.formula.errors import FormulaError
from scaler.horizontal.formula.program import Formula, check, compile_formula

__all__ = ["Formula", "FormulaError", "check", "compile_formula"]
