"""Moves running pods to the sizes recommended for them: what there is, judgement round by round, and the moving."""
