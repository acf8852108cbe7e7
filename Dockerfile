# docker build -t rnnviz . && docker run --init -p 127.0.0.1:8501:8501 -v rnnviz-runs:/runs rnnviz
# The Python is the one that the tests run on.
FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
WORKDIR /build
COPY requirements.lock ./
RUN /venv/bin/python -m pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY .streamlit .streamlit
COPY rnnviz rnnviz
COPY dashboard dashboard
RUN /venv/bin/python -m pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-trixie
# PNG, SVG and PDF of "Take away" are drawn by a Chromium; all else needs none.
# With one: docker build --build-arg CHROMIUM=yes
ARG CHROMIUM=
RUN if [ -n "$CHROMIUM" ]; then apt-get update \
  && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
  && rm -rf /var/lib/apt/lists/*; fi
RUN useradd --uid 10001 --create-home rnnviz && install --directory --owner rnnviz /runs
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
VOLUME /runs
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# 0.0.0.0 is the container's own network: who may reach it is what -p says.
CMD ["rnnviz", "app", "--no-browser", "--address", "0.0.0.0", "--runs", "/runs"]
