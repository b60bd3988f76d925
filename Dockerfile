# The daemon and its command line, without the sandbox's extras: `make image`, then see compose.yaml.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
RUN python3 -m venv /opt/build && python3 -m venv /opt/lightspeed-sync \
    && /opt/build/bin/pip install --require-hashes --no-deps -r requirements.lock \
    && /opt/lightspeed-sync/bin/pip install --require-hashes --no-deps -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE alerts.yaml ./
COPY monitor monitor
COPY sandbox sandbox
COPY sync sync
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /dist \
    && /opt/lightspeed-sync/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/lightspeed-sync/bin/python -m compileall -q /opt/lightspeed-sync/lib

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 lightspeed-sync \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/lightspeed-sync --create-home --shell /usr/sbin/nologin lightspeed-sync \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/lightspeed-sync
COPY --from=build /opt/lightspeed-sync /opt/lightspeed-sync
COPY --from=build /src/alerts.yaml /etc/lightspeed-sync/alerts.yaml
ENV PATH=/opt/lightspeed-sync/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOG_FORMAT=json \
    ALERTS_FILE=/etc/lightspeed-sync/alerts.yaml \
    STATE_DIR=/var/lib/lightspeed-sync \
    STOREFRONT_LISTEN=0.0.0.0:8080 \
    OPS_LISTEN=0.0.0.0:9464
USER 10001:10001
WORKDIR /var/lib/lightspeed-sync
VOLUME /var/lib/lightspeed-sync
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
# Asks the process itself, on whatever port it was told to listen: 200 while it works.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['OPS_LISTEN'].rpartition(':')[2] + '/healthz', timeout=4)"]
ENTRYPOINT ["lightspeed-sync"]
CMD ["run"]
