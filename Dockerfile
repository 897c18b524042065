# Konfident in a container: `docker compose up` builds and runs it, docker-compose.yml says with what.
FROM python:3.12-slim

ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# torch by itself from the index of its CPU builds: the one on PyPI brings gigabytes of CUDA files.
RUN pip install --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0

# The other packages before the code, so that a change of code leaves these layers as they are.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > requirements.txt && pip install --constraint constraints.txt --requirement requirements.txt

COPY README.md LICENSE ./
COPY bot bot
COPY index index
RUN pip install --no-deps . && rm -r bot index build *.egg-info
COPY intents intents

# What the bot keeps lies in /data: tickets, the model that it makes at its first start, the index.
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin konfident \
    && install --directory --owner konfident --group konfident /data /knowledge
ENV HOME=/data DATA_DIR=/data KNOWLEDGE_DIR=/knowledge INTENTS_DIR=/app/intents
# Nothing leaves the machine but letters: onnxruntime and huggingface_hub would report their use to their makers.
ENV ORT_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_TELEMETRY=1
USER konfident
VOLUME ["/data", "/knowledge"]

# No HEALTHCHECK: the bot has no port, and a process that has ended is started again all the same.
ENTRYPOINT ["konfident"]
CMD ["run"]
