"""Creates certificates for 127.0.0.1, or for a name."""

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Issuer:
    """A certificate authority.

    Attributes:
        certificate: Its own certificate, PEM encoded.
    """

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: bytes

    @classmethod
    def create(cls, name: str) -> "Issuer":
        """Create an authority with a self-signed certificate."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
        return cls(subject, key, _pem(_certificate(subject, key, subject, key, is_ca=True)))

    def issue(self, name: str, host: str | None = None) -> tuple[bytes, bytes]:
        """Return a certificate for a host, or 127.0.0.1, and its private key in PEM format."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        certificate = _certificate(subject, key, self.name, self.key, host=host, is_ca=False)
        return _pem(certificate), _private_pem(key)


def self_signed() -> tuple[bytes, bytes]:
    """Return a self-signed certificate for 127.0.0.1 and its private key in PEM format."""
    issuer = Issuer.create("authority.example.com")
    return issuer.certificate, _private_pem(issuer.key)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
    host: str | None = None,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(host) if host else x509.IPAddress(IPv4Address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
