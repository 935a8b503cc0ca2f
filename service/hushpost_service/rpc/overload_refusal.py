"""Decides whether a call is refused as soon as it arrives, because of overload or shutdown."""

import time

from hushpost_runtime.call_id import new_call_id
from hushpost_service.domain.errors import HushpostError
from hushpost_service.rpc.early_refusals import Refusal
from hushpost_service.rpc.interceptors import (
    AdmissionInterceptor,
    AuthenticationInterceptor,
    ClientCertificateInterceptor,
)
from hushpost_service.rpc.interceptors.interceptor import Context
from hushpost_service.rpc.interceptors.metrics import observe_failure
from hushpost_service.rpc.status import status_code, trailing_metadata

__all__ = ["OverloadRefusal"]


class OverloadRefusal:
    """Refuses calls of an RPC as its interceptors would, and counts them in the same metrics.

    A call whose key is not cached, or not permitted, is passed on to the interceptors, so that they
    find the error that it gets.
    """

    def __init__(
        self,
        name: str,
        authentication: AuthenticationInterceptor,
        certificates: ClientCertificateInterceptor,
        admission: AdmissionInterceptor,
    ) -> None:
        self._name = name
        self._authentication = authentication
        self._certificates = certificates
        self._admission = admission

    def __call__(self, context: Context) -> Refusal | None:
        """Return the status with which to refuse a call; None to pass it on."""
        start = time.perf_counter()
        try:
            self._admission.check(self._name)
        except HushpostError as error:
            caller = self._authentication.cached_caller(self._name, context)
            if caller is None or not self._certificates.permits(caller, context):
                return None
            observe_failure(self._name, start, error)
            trailing = trailing_metadata(error, new_call_id())
            return Refusal(status_code(error), error.message, trailing)
        return None
