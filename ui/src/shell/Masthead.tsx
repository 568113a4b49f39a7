import {
    Button, Divider, Dropdown, DropdownGroup, DropdownItem, DropdownList, Icon, Masthead, MastheadBrand, MastheadContent, MastheadLogo,
    MastheadMain, MastheadToggle, MenuToggle, PageToggleButton, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem, Tooltip,
} from '@patternfly/react-core';
import BarsIcon from '@patternfly/react-icons/dist/esm/icons/bars-icon';
import BellIcon from '@patternfly/react-icons/dist/esm/icons/bell-icon';
import MoonIcon from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import QuestionCircleIcon from '@patternfly/react-icons/dist/esm/icons/question-circle-icon';
import SunIcon from '@patternfly/react-icons/dist/esm/icons/sun-icon';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { queries } from '@/api/queries';
import type { AuthStatus, Cluster } from '@/api/rest';
import { session } from '@/api/session';
import { plural } from '@/lib/format';

import { AboutBox } from './AboutBox';
import { Logo } from './Logo';
import { usePermissions } from './permissions';
import { useTheme } from './theme';

export function PortalMasthead() {
    return (
        <Masthead>
            <MastheadMain>
                <MastheadToggle>
                    <PageToggleButton isHamburgerButton={false} aria-label="Global navigation" icon={<BarsIcon />} />
                </MastheadToggle>
                <MastheadBrand>
                    <MastheadLogo component={(props) => <Link {...props} to="/main/dashboard" aria-label="PyRox dashboard" />}>
                        <Logo />
                    </MastheadLogo>
                </MastheadBrand>
            </MastheadMain>
            <MastheadContent>
                <Toolbar isFullHeight isStatic>
                    <ToolbarContent>
                        <ToolbarGroup variant="action-group-plain" align={{ default: 'alignEnd' }} gap={{ default: 'gapNone', md: 'gapMd' }}>
                            <ThemeToggle />
                            <ClusterHealth />
                            <Help />
                        </ToolbarGroup>
                        <UserMenu />
                    </ToolbarContent>
                </Toolbar>
            </MastheadContent>
        </Masthead>
    );
}

function ThemeToggle() {
    const [dark, toggle] = useTheme();
    return (
        <ToolbarItem>
            <Tooltip content={dark ? 'Switch to the light theme' : 'Switch to the dark theme'}>
                <Button variant="plain" aria-label="Toggle theme" onClick={toggle} icon={dark ? <SunIcon /> : <MoonIcon />} />
            </Tooltip>
        </ToolbarItem>
    );
}

export function troubled(clusters: readonly Cluster[]): Cluster[] {
    return clusters.filter(({ healthStatus }) => {
        const health = healthStatus?.overallHealthStatus;
        return health === 'UNHEALTHY' || health === 'DEGRADED';
    });
}

function ClusterHealth() {
    const { read } = usePermissions();
    const { data } = useQuery({ ...queries.clusters(), refetchInterval: 30_000, enabled: read('Cluster') });
    const navigate = useNavigate();
    if (!read('Cluster')) {
        return null;
    }
    const count = troubled(data ?? []).length;
    const label = count === 0 ? 'Cluster health' : `Cluster health: ${plural(count, 'cluster')} with problems`;
    return (
        <ToolbarItem>
            <Tooltip content={label}>
                <Button
                    variant="plain"
                    aria-label={label}
                    onClick={() => void navigate({ to: '/main/clusters' })}
                    icon={
                        <Icon status={count === 0 ? undefined : 'danger'}>
                            <BellIcon />
                        </Icon>
                    }
                />
            </Tooltip>
        </ToolbarItem>
    );
}

function Help() {
    const [open, setOpen] = useState(false);
    const [about, setAbout] = useState(false);
    const { data } = useQuery(queries.metadata());
    const version = data === undefined ? 'Version unknown' : `v${data.version}${data.releaseBuild ? '' : ' [DEV BUILD]'}`;
    return (
        <ToolbarItem>
            <Dropdown
                isOpen={open}
                onOpenChange={setOpen}
                onSelect={() => setOpen(false)}
                popperProps={{ position: 'right' }}
                toggle={(ref) => (
                    <MenuToggle
                        ref={ref}
                        variant="plain"
                        aria-label="Help menu"
                        isExpanded={open}
                        onClick={() => setOpen(!open)}
                        icon={<QuestionCircleIcon />}
                    />
                )}
            >
                <DropdownList>
                    <DropdownItem onClick={() => setAbout(true)}>About</DropdownItem>
                    <Divider component="li" />
                    <DropdownItem isDisabled>{version}</DropdownItem>
                </DropdownList>
            </Dropdown>
            <AboutBox isOpen={about} onClose={() => setAbout(false)} />
        </ToolbarItem>
    );
}

export function displayName(status: AuthStatus | undefined): string {
    const attribute = (key: string) => status?.userAttributes.find((item) => item.key === key)?.values[0];
    return status?.userInfo?.friendlyName || attribute('name') || status?.userInfo?.username || status?.userId || 'User';
}

function UserMenu() {
    const [open, setOpen] = useState(false);
    const { data } = useQuery(queries.authStatus());
    const name = displayName(data);
    const roles = (data?.userInfo?.roles ?? []).map((role) => role.name).join(', ');
    return (
        <ToolbarItem>
            <Dropdown
                isOpen={open}
                onOpenChange={setOpen}
                onSelect={() => setOpen(false)}
                popperProps={{ position: 'right' }}
                toggle={(ref) => (
                    <MenuToggle
                        ref={ref}
                        isFullHeight
                        isExpanded={open}
                        onClick={() => setOpen(!open)}
                        icon={<span className="rox-initials" aria-hidden="true">{name.slice(0, 2).toUpperCase()}</span>}
                    >
                        {name}
                    </MenuToggle>
                )}
            >
                <DropdownGroup label={roles === '' ? 'No roles' : roles}>
                    <DropdownList>
                        <DropdownItem onClick={session.logout}>Log out</DropdownItem>
                    </DropdownList>
                </DropdownGroup>
            </Dropdown>
        </ToolbarItem>
    );
}
