# No Nomad has run it in our tests, as there is no package of it: they read it, and know every key (test/contrib/nomad.test.ts).
job "api" {
  group "api" {
    count = 3

    update {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "10s"
      auto_revert      = true
    }

    network {
      port "http" { to = 3000 }
    }

    service {
      name = "api"
      port = "http"

      check {
        type     = "http"
        path     = "/healthz"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "api" {
      driver = "docker"

      config {
        image = "registry.example/api:1"
        ports = ["http"]
        init  = true
      }

      # Deregistered first, then signalled.
      shutdown_delay = "8s"
      kill_signal    = "SIGTERM"
      # Longer than stop.timeout (30 s).
      kill_timeout = "40s"

      resources {
        cores  = 2
        memory = 1024
      }
    }
  }
}
