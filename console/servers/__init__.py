"""PostgreSQL and Valkey without installing either: started for the first command, stopped after the last.

Every command that needs servers runs inside ``with servers(settings) as urls``.  What is set by DATABASE_URL
or REDIS_URL is used as it is.  The rest runs embedded in the data folder, shared by all commands that use the
folder at the same moment.  Three locks of the kernel (``flock``: gone with their process, also after kill -9)
keep order:

    users.lock   shared, held by every command while it uses the servers; who gets it alone is the last one
    start.lock   exclusive, held only while servers are started or stopped
    up.lock      exclusive, held by ``dialer up``: one supervisor for each data folder

Nothing is believed because a file says so: a server runs when it answers on its socket, and it is ours when
its working directory is in our data folder.  So whatever a kill -9 leaves behind is found, used, and in the end
stopped.
"""

from console.servers.lifetime import ServerUrls, data_path, remove_data, servers, up_lock

__all__ = ["ServerUrls", "data_path", "remove_data", "servers", "up_lock"]
