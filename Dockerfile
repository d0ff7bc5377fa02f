# docker build -t prldh .
# docker run --rm --user "$(id -u)" -v "$PWD:/study" prldh analyze study.yaml --out results
FROM debian:bookworm-slim

ARG DEEP=
COPY . /src
RUN DEEP="$DEEP" /src/packaging/install.sh /src /opt/prldh && rm -rf /src

# what is kept of finished work lies in the study's folder, whoever runs the container
ENV PATH=/opt/prldh/bin:$PATH PRLDH_CACHE=/study/.prldh-cache
RUN useradd --uid 10001 --create-home reader
USER 10001
WORKDIR /study
ENTRYPOINT ["prldh"]
CMD ["--help"]
