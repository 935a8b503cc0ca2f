"""The synchronous client: the methods of `hushpost_client.Hushpost` without `await`.

    from hushpost_client.sync import Hushpost

    with Hushpost.connect("localhost:50051", api_key="hp_…") as hushpost:
        campaign = hushpost.campaigns.create_campaign("spring-sale", groups=["all"])
        for tenant_campaign in hushpost.campaigns.list_campaigns():
            print(tenant_campaign.campaign_id)

Arguments, results and errors are those of the asynchronous client; its types and
exceptions are in `hushpost_client`. Methods that yield there are generators here.
Wrap an unfinished one in `contextlib.closing` to end its stream at once.

A client may be shared between threads. It may not be shared between processes: with
a server that forks its workers (gunicorn, Celery), connect in each worker. Each call
blocks its thread: inside an event loop, use the asynchronous client.
"""

from hushpost_client._sync.admin import Admin
from hushpost_client._sync.campaigns import Campaigns
from hushpost_client._sync.client import Hushpost
from hushpost_client._sync.domains import Domains
from hushpost_client._sync.preferences import Preferences
from hushpost_client._sync.stats import Stats
from hushpost_client._sync.tracking import Tracking

__all__ = ["Admin", "Campaigns", "Domains", "Hushpost", "Preferences", "Stats", "Tracking"]
