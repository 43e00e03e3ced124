# City Twin as a container: what `make setup` installs, run by a user without rights.
FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends make python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/city-twin
COPY . .
RUN make setup && rm -rf build web/node_modules /var/lib/apt/lists/* /root/.cache /root/.npm

RUN useradd --create-home --home-dir /var/lib/city-twin twin
USER twin
WORKDIR /var/lib/city-twin
ENV PATH=/opt/city-twin/.venv/bin:$PATH \
    TWIN_HOME=/var/lib/city-twin/home \
    PYTHONUNBUFFERED=1
VOLUME /var/lib/city-twin
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
CMD ["twin", "serve", "--host", "0.0.0.0", "--port", "8000"]
