# The authority for production: no embedded database, an unprivileged user.
#
#   docker build -t hushpost .
#   docker run -p 50051:50051 -e HUSHPOST_DATABASE_URL=... -v keys:/var/lib/hushpost \
#     -e HUSHPOST_TLS_CERTIFICATE=/tls/chain.pem -e HUSHPOST_TLS_KEY=/tls/key.pem \
#     -v ./tls:/tls:ro hushpost
#
# Behind a proxy that encrypts: -e HUSHPOST_INSECURE=true instead of the certificate.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# The builder needs hatchling, which is in run.txt; the image gets service.txt only.
COPY requirements/ requirements/
RUN python -m venv /builder \
 && /builder/bin/pip install --only-binary=:all: --require-hashes -r requirements/run.txt \
 && python -m venv /app \
 && /app/bin/pip install --only-binary=:all: --require-hashes -r requirements/service.txt

COPY . .
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /app/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /app/bin/pip uninstall --yes pip


FROM python:3.13-slim
# A fixed uid, so that a volume keeps its owner across builds.
RUN groupadd --gid 10001 hushpost \
 && useradd --uid 10001 --gid hushpost --no-create-home --home-dir /var/lib/hushpost hushpost \
 && install --directory --owner hushpost --group hushpost --mode 0700 /var/lib/hushpost
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HUSHPOST_LISTEN=0.0.0.0:50051 HUSHPOST_DATA_DIR=/var/lib/hushpost
USER hushpost
WORKDIR /var/lib/hushpost
VOLUME /var/lib/hushpost
EXPOSE 50051
# SIGTERM shuts down gracefully: calls in progress finish, new calls are rejected, and edges drain their
# connections. That may take 30 seconds: docker stop --time 30.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hushpost"]
CMD ["serve"]
