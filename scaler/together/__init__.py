"""Both axes on one workload: the only judgement that sees replicas and requests at once.

An HPA that holds usage / request at a target, and a VPA that moves the request after the usage, feed each other: a
smaller request makes more pods, more pods use less each, a smaller use makes a smaller request. They end at the least
size times the most pods, or the other way round. Here the circle is cut, and each cut is one rule:

    what is held                     the failure it prevents
    ------------------------------   ----------------------------------------------------------------------------
    set-point: the target in         A changed request moves no replicas. target x request, taken once when both
    absolute terms (`setpoints`)     axes meet on a resource, and anew only when the user changes either; it stands
                                     in an annotation, so that a restart takes it from the object, not from pods
                                     that were resized meanwhile (each restart would ratchet it down or up).
    sizes follow the load, not the   Changed replicas move no request. Usage counts as if as many pods ran as the
    replicas (`load`)                set-point asks for; what a passing scale-out shows each pod using is no reason
                                     to shrink them.
    band: free between its bounds    A request that is far above what pods are held at is waste, one near it leaves
    the request is 1.25 to 2 times   them without room at the HPA's tolerance. Between the bounds replicas follow
    the set-point (`band`)           the load, so each pod's use is known, and so is its size: it does not move.
    pins: at least or most replicas  The HPA cannot move there, so VPA's rule sizes pods by what each then uses.
    the band gives way (`sizes`)     Only after a day without leading, or an evening at the minimum would resize
                                     twice a day; at once when pods are short.
    scale point: the set-point, kept Pods sized down at the minimum would be throttled below the set-point, and the
    within what pods now request     HPA, which sees only usage, would never scale out; pods sized up at the most
    (`band`)                         replicas would stand half empty when the load falls.
    slow and quiet (`turns`)         Requests change by a tenth or more, upwards at most each hour, downwards at
                                     most each day, and not while replicas move: two axes that answer the same
                                     disturbance overshoot.
    a resize rolls: replicas may     Pods that restart look like a falling load, and mixed sizes like slack: a
    rise, not fall (`turns`)         scale-in on the strength of either takes capacity that is missing already.
    memory by the biggest pod        An average over pods prevents no single pod's end: whatever the HPA's mean
    (`sizes`)                        says, no request is below what the biggest pod needs, and it rises at once.

Operator, recommender and updater meet in the objects only: the operator writes the set-points to the HPA it makes and
lets the HPA hold the scale points that stand on the VPA; the recommender judges and writes VPA's target and scale
points; the updater carries the target to the pods. A user's own HPA is left alone, and what it leans on is not sized,
unless he asks for it by annotation: then the operator holds it like one of ours (`adoption`), keeps on it what he
wrote where its own targets stand (`originals`), and gives that back when he stops asking or the VPA stops acting.
"""
