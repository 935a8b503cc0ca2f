# The authority, the edge and the dashboard: three targets with one file system and all commands.
#
# One file system, because all three are upgraded together and can share every layer: a target only sets
# the command, the port and the health check. The price is that an edge on a machine of its own carries
# the libraries of the authority, which are two thirds of the size (`make image-replay` prints it).
#
#   docker build --target authority -t hushpost-authority .      (the default target)
#   docker build --target edge -t hushpost-edge .
#   docker build --target dashboard -t hushpost-dashboard .
#
# To pin the base image: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...
#
# The user is 10001:10001. Nothing outside /var/lib/hushpost (the keyring, the edge's spool, the key of
# sessions) and /tmp is written, so the root file system can be read-only:
#
#   docker run --read-only --tmpfs /tmp --cap-drop ALL -v edge:/var/lib/hushpost ... hushpost-edge
#
# compose.yaml starts an installation, see docs/how-to/docker-compose.md.

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /src

# hatchling, which builds the wheel, and npm are in run.txt. /app becomes part of the images.
COPY requirements/run.txt requirements/image.txt requirements/
RUN python -m venv /builder \
 && /builder/bin/pip install --require-hashes -r requirements/run.txt
RUN python -m venv --without-pip /app \
 && /builder/bin/pip --python /app/bin/python install --require-hashes -r requirements/image.txt

COPY tools/fetch_chart_library.sh tools/
COPY clients/hushpost_dashboard/package.json clients/hushpost_dashboard/package-lock.json \
     clients/hushpost_dashboard/
RUN tools/fetch_chart_library.sh /builder/bin/npm

COPY . .
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /builder/bin/pip --python /app/bin/python install --no-deps --no-index /wheels/*.whl


FROM ${PYTHON_IMAGE} AS runtime
# A fixed uid, so that a volume keeps its owner across builds. New volumes that are mounted on these folders
# get their owner and mode: the data of the role, the secrets of the role, the keys of the operator.
RUN groupadd --gid 10001 hushpost \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/hushpost \
      --shell /usr/sbin/nologin hushpost \
 && install --directory --owner 10001 --group 10001 --mode 0750 \
      /var/lib/hushpost /etc/hushpost /keys \
 && python -m pip uninstall --yes --root-user-action ignore pip \
 && rm -rf /usr/local/lib/python3*/ensurepip
COPY --from=build /app /app
COPY deploy/image/authority_health.py deploy/image/http_health.py /health/
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HUSHPOST_LISTEN=0.0.0.0:50051 HUSHPOST_DATA_DIR=/var/lib/hushpost \
    HUSHPOST_EDGE_LISTEN=0.0.0.0:8080 HUSHPOST_EDGE_DATA_DIR=/var/lib/hushpost \
    HUSHPOST_DASHBOARD_LISTEN=0.0.0.0:8081
USER 10001:10001
WORKDIR /var/lib/hushpost
# SIGTERM stops all three gracefully, which may take 30 seconds: docker stop --time 40.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hushpost"]


FROM runtime AS edge
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["python", "/health/http_health.py", "HUSHPOST_EDGE_LISTEN"]
CMD ["edge"]


FROM runtime AS dashboard
EXPOSE 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["python", "/health/http_health.py", "HUSHPOST_DASHBOARD_LISTEN"]
CMD ["dashboard"]


# The last target is the default one.
FROM runtime AS authority
EXPOSE 50051
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["python", "/health/authority_health.py"]
CMD ["serve"]
