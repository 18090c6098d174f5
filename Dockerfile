# docker build -t ecgstream .                          on the CPU (PyTorch's small build)
# docker build -t ecgstream:cuda --target cuda .       on an NVIDIA GPU: docker run --gpus all …
# Runs as user 65532 on a root that may be read-only; /var/lib/ecgstream and /tmp are what it writes:
#   docker run --read-only --tmpfs /tmp -v ecgstream:/var/lib/ecgstream ecgstream
FROM python:3.12-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
# The OpenMP runtime that LightGBM is linked against; slim images lack it. Security fixes of it are welcome: not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

FROM base AS build-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
RUN python -m venv /opt/ecgstream \
 && /opt/ecgstream/bin/pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)"
COPY ecgstream ecgstream
COPY simulators simulators
# Some packages carry a file that is written for another Python: it is not compiled, and nothing else fails.
RUN /opt/ecgstream/bin/pip install -c constraints.txt ".[hospital]" \
 && { /opt/ecgstream/bin/python -m compileall -q /opt/ecgstream/lib || true; }

FROM base AS build-cuda
ARG TORCH_INDEX=https://download.pytorch.org/whl/cu128
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
RUN python -m venv /opt/ecgstream \
 && /opt/ecgstream/bin/pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' constraints.txt)"
COPY ecgstream ecgstream
COPY simulators simulators
# Some packages carry a file that is written for another Python: it is not compiled, and nothing else fails.
RUN /opt/ecgstream/bin/pip install -c constraints.txt ".[hospital]" \
 && { /opt/ecgstream/bin/python -m compileall -q /opt/ecgstream/lib || true; }

FROM base AS runtime
RUN groupadd --gid 65532 ecgstream \
 && useradd --uid 65532 --gid 65532 --no-log-init --create-home --home-dir /var/lib/ecgstream ecgstream
ENV PATH=/opt/ecgstream/bin:$PATH \
    ECGSTREAM_HTTP__HOST=0.0.0.0 \
    ECGSTREAM_SOURCE__ENDPOINTS='["tcp://0.0.0.0:5551"]' \
    ECGSTREAM_SINK__ENDPOINT=tcp://0.0.0.0:5552 \
    ECGSTREAM_LOG__FORMAT=json \
    NUMBA_CACHE_DIR=/var/lib/ecgstream/kernels \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /var/lib/ecgstream
EXPOSE 5551 5552 9464
STOPSIGNAL SIGTERM
# Live, not ready: a daemon that waits for its broker is well, and must not be replaced.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/health/live', timeout=2)"]
ENTRYPOINT ["ecgstream"]
CMD ["run"]

FROM runtime AS cuda
COPY --from=build-cuda /opt/ecgstream /opt/ecgstream
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 65532:65532
# Compiled for the processor that builds the image; on another kind the first start compiles again.
RUN python -m ecgstream.warm
VOLUME /var/lib/ecgstream

FROM runtime AS cpu
COPY --from=build-cpu /opt/ecgstream /opt/ecgstream
USER 65532:65532
RUN python -m ecgstream.warm
VOLUME /var/lib/ecgstream
