"""What every RPC passes before its servicer, from errors to admission.

An interceptor wraps the function that serves an RPC. The wrapping happens once, when
the service is registered (`rpc.registration`). A `grpc.aio.ServerInterceptor` does the
same job at every call, where it also has to find and rebuild the handler.
"""

from hushpost_service.rpc.interceptors.admission import AdmissionInterceptor
from hushpost_service.rpc.interceptors.authentication import AuthenticationInterceptor
from hushpost_service.rpc.interceptors.client_certificate import ClientCertificateInterceptor
from hushpost_service.rpc.interceptors.deadline import DeadlineInterceptor
from hushpost_service.rpc.interceptors.errors import ErrorInterceptor
from hushpost_service.rpc.interceptors.interceptor import Interceptor
from hushpost_service.rpc.interceptors.metrics import MetricsInterceptor
from hushpost_service.rpc.interceptors.tracing import TracingInterceptor

__all__ = [
    "AdmissionInterceptor",
    "AuthenticationInterceptor",
    "ClientCertificateInterceptor",
    "DeadlineInterceptor",
    "ErrorInterceptor",
    "Interceptor",
    "MetricsInterceptor",
    "TracingInterceptor",
]
