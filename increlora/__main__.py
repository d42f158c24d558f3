"`python -m increlora` is the command `increlora`."

from increlora.glue.cli import main

raise SystemExit(main())
