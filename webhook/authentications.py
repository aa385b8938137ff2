"""TriggerAuthentications and ClusterTriggerAuthentications as users write them, by the rules of `scaler validate`."""

import msgspec

from scaler.api import authentication_rules
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.triggers import credentials
from webhook.review import ALLOWED, Answer, Request, accepted, refused
from webhook.unread import why_unread


class Authentications:
    """Judges one of the two kinds."""

    def __init__(self, model: type[TriggerAuthentication]) -> None:
        self._model = model
        self._decoder = msgspec.json.Decoder(model)

    def judge(self, request: Request) -> Answer:
        """The answer, at once."""
        if request.operation not in {"CREATE", "UPDATE"} or request.sub_resource:
            return ALLOWED
        try:
            authentication = self._decoder.decode(request.object)
        except msgspec.ValidationError as error:
            return refused(why_unread(self._model, request.object, error))
        if authentication.metadata.deletion_timestamp or self._unchanged(authentication, request):
            return ALLOWED
        problems, warnings = authentication_rules.problems(authentication), credentials.unserved(authentication)
        return refused(problems, warnings) if problems else accepted(warnings)

    def _unchanged(self, authentication: TriggerAuthentication, request: Request) -> bool:
        if request.operation == "CREATE":
            return False
        try:
            return self._decoder.decode(request.old_object).spec == authentication.spec
        except msgspec.MsgspecError:
            return False


NAMESPACED = Authentications(TriggerAuthentication)
CLUSTER_WIDE = Authentications(ClusterTriggerAuthentication)
