# Gateway, actions and binding, with the built pages. From the project's root: docker build -f deploy/app.Dockerfile -t jiebang-app .
FROM node:22-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.12-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/srv OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
    JIEBANG_ENV=production JIEBANG_HOME=/var/lib/jiebang
WORKDIR /srv
COPY requirements/app.txt requirements/app.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/app.txt
COPY gateway/ gateway/
COPY actions/ actions/
COPY binding/ binding/
COPY telemetry/ telemetry/
COPY data/ data/
COPY --from=web /src/web/dist web/dist
RUN useradd --uid 10001 --create-home --home-dir /var/lib/jiebang jiebang
USER 10001
# `python -m gateway`, `python -m actions` or `python -m binding`.
CMD ["python", "-m", "gateway"]
