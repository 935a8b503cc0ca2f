"""What every RPC passes before its servicer: errors, metrics, admission, authentication.

An interceptor wraps the function that serves an RPC. The wrapping happens once, when
the service is registered (`InterceptedServer`). A `grpc.aio.ServerInterceptor` does the
same job at every call, where it also has to find and rebuild the handler.
"""

from hushpost_service.rpc.interceptors.admission import AdmissionInterceptor
from hushpost_service.rpc.interceptors.authentication import AuthenticationInterceptor
from hushpost_service.rpc.interceptors.client_certificate import ClientCertificateInterceptor
from hushpost_service.rpc.interceptors.errors import ErrorInterceptor
from hushpost_service.rpc.interceptors.interceptor import Interceptor
from hushpost_service.rpc.interceptors.metrics import MetricsInterceptor
from hushpost_service.rpc.interceptors.registration import InterceptedServer

__all__ = [
    "AdmissionInterceptor",
    "AuthenticationInterceptor",
    "ClientCertificateInterceptor",
    "ErrorInterceptor",
    "InterceptedServer",
    "Interceptor",
    "MetricsInterceptor",
]
