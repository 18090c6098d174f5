# Small CPU image: docker build -t ecgstream .     (for CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128)
FROM python:3.12-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
RUN python -m venv /opt/ecgstream \
 && /opt/ecgstream/bin/pip install --no-cache-dir --index-url ${TORCH_INDEX} "$(grep '^torch==' constraints.txt)"
COPY ecgstream ecgstream
COPY simulators simulators
RUN /opt/ecgstream/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.12-slim
# The OpenMP runtime that LightGBM is linked against; slim images lack it.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --home-dir /var/lib/ecgstream ecgstream
COPY --from=build /opt/ecgstream /opt/ecgstream
ENV PATH=/opt/ecgstream/bin:$PATH \
    ECGSTREAM_HTTP__HOST=0.0.0.0 \
    ECGSTREAM_SOURCE__ENDPOINTS='["tcp://0.0.0.0:5551"]' \
    ECGSTREAM_SINK__ENDPOINT=tcp://0.0.0.0:5552 \
    ECGSTREAM_LOG__FORMAT=json \
    NUMBA_CACHE_DIR=/var/lib/ecgstream/kernels
USER ecgstream
WORKDIR /var/lib/ecgstream
# Compiled for the processor that builds the image; on another kind the first start compiles again.
RUN python -m ecgstream.warm
EXPOSE 5551 5552 9464
ENTRYPOINT ["ecgstream"]
CMD ["run"]
