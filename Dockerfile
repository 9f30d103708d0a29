# Builds what `make run` sets up, and runs it. The log and the keys are in /app/instance: keep that on a volume.
#
#   docker build -t auditapp .
#   docker run -p 127.0.0.1:5000:5000 -v auditapp:/app/instance -e AUDITAPP_BASE_URL=http://127.0.0.1:5000 auditapp
FROM python:3.11-slim-bookworm

RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY Makefile requirements.txt ./
RUN make .venv/run
COPY . .
RUN useradd --system --home-dir /app auditapp && install -d -o auditapp -g auditapp -m 0700 instance
USER auditapp
VOLUME /app/instance
ENV HOST=0.0.0.0 PORT=5000 PYTHONDONTWRITEBYTECODE=1
EXPOSE 5000
HEALTHCHECK CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/readyz')"]
CMD [".venv/bin/python", "app.py"]
